"""The fields of the people and the deals: Contact, Lead, Account, Opportunity, Campaign and what ties them.

One line a field (goes on after a comma): name | type and length | flags | referred objects or values | label.
Flags: C createable, U updateable, F filterable, G groupable, S sortable, N nillable, D defaulted on create,
P permissionable (an admin can hide it), R restricted picklist, L id look-up, X no relationship.
A `*` marks a picklist's default.
The Id and the audit fields that each object has stand in schema.py.
"""

CONTACT = """
MasterRecordId | reference | FGSN | Contact
AccountId | reference | CUFGSNP | Account
LastName | string 80 | CUFGS
FirstName | string 40 | CUFGSN
Salutation | picklist 40 | CUFGSN | Mr., Ms., Mrs., Dr., Prof.
Name | string 121 | FGS |  | Full Name
MailingStreet | textarea 255 | CUFGSNP
MailingCity | string 40 | CUFGSNP
MailingState | string 80 | CUFGSNP |  | Mailing State/Province
MailingPostalCode | string 20 | CUFGSNP |  | Mailing Zip/Postal Code
MailingCountry | string 80 | CUFGSNP
Phone | phone 40 | CUFGSNP |  | Business Phone
Fax | phone 40 | CUFGSNP |  | Business Fax
MobilePhone | phone 40 | CUFGSNP
HomePhone | phone 40 | CUFGSNP
OtherPhone | phone 40 | CUFGSNP
Email | email 80 | CUFGSNPL
Title | string 128 | CUFGSNP
Department | string 80 | CUFGSNP
LeadSource | picklist 255 | CUFGSNP | Web, Phone Inquiry, Partner Referral, Purchased List, Other
Birthdate | date | CUFGSNP
Description | textarea 32000 | CUNP |  | Contact Description
OwnerId | reference | CUFGSD | User
LastActivityDate | date | FGSN |  | Last Activity
EmailBouncedReason | string 255 | CUFGSN
EmailBouncedDate | datetime | CUFSN
IsEmailBounced | boolean | FGSD
"""

LEAD = """
MasterRecordId | reference | FGSN | Lead
LastName | string 80 | CUFGS
FirstName | string 40 | CUFGSN
Salutation | picklist 40 | CUFGSN | Mr., Ms., Mrs., Dr., Prof., Mx.
Name | string 121 | FGS |  | Full Name
Title | string 128 | CUFGSNP
Company | string 255 | CUFGS
Street | textarea 255 | CUFGSNP
City | string 40 | CUFGSNP
State | string 80 | CUFGSNP |  | State/Province
PostalCode | string 20 | CUFGSNP |  | Zip/Postal Code
Country | string 80 | CUFGSNP
Phone | phone 40 | CUFGSNP
MobilePhone | phone 40 | CUFGSNP
Fax | phone 40 | CUFGSNP
Email | email 80 | CUFGSNPL
Website | url 255 | CUFGSNP
Description | textarea 32000 | CUNP
LeadSource | picklist 255 | CUFGSNP | Web, Phone Inquiry, Partner Referral, Purchased List, Other
Status | picklist 255 | CUFGSD | Open - Not Contacted*, Working - Contacted, Closed - Converted,
Closed - Not Converted
Industry | picklist 255 | CUFGSNP | Banking, Consulting, Construction, Education, Electronics, Energy, Healthcare,
Manufacturing, Retail, Technology, Other
Rating | picklist 255 | CUFGSNP | Hot, Warm, Cold
AnnualRevenue | currency | CUFSNP
NumberOfEmployees | int | CUFGSNP |  | Employees
OwnerId | reference | CUFGSD | Group, User
IsConverted | boolean | CFGSD |  | Converted
ConvertedDate | date | FGSN
ConvertedAccountId | reference | FGSN | Account
ConvertedContactId | reference | FGSN | Contact
ConvertedOpportunityId | reference | FGSN | Opportunity
LastActivityDate | date | FGSN |  | Last Activity
EmailBouncedReason | string 255 | UFGSN
EmailBouncedDate | datetime | UFSN
"""

ACCOUNT = """
MasterRecordId | reference | FGSN | Account
Name | string 255 | CUFGS |  | Account Name
Type | picklist 40 | CUFGSNP | Prospect, Customer - Direct, Customer - Channel, Channel Partner / Reseller,
Installation Partner, Technology Partner, Other | Account Type
ParentId | reference | CUFGSNP | Account | Parent Account ID
BillingStreet | textarea 255 | CUFGSNP
BillingCity | string 40 | CUFGSNP
BillingState | string 80 | CUFGSNP |  | Billing State/Province
BillingPostalCode | string 20 | CUFGSNP |  | Billing Zip/Postal Code
BillingCountry | string 80 | CUFGSNP
Phone | phone 40 | CUFGSNP |  | Account Phone
Fax | phone 40 | CUFGSNP |  | Account Fax
AccountNumber | string 40 | CUFGSNP
Website | url 255 | CUFGSNP
Industry | picklist 40 | CUFGSNP | Banking, Consulting, Construction, Education, Electronics, Energy, Healthcare,
Manufacturing, Retail, Technology, Other
AnnualRevenue | currency | CUFSNP
NumberOfEmployees | int | CUFGSNP |  | Employees
Description | textarea 32000 | CUNP |  | Account Description
Rating | picklist 40 | CUFGSNP | Hot, Warm, Cold | Account Rating
OwnerId | reference | CUFGSD | User
LastActivityDate | date | FGSN |  | Last Activity
"""

OPPORTUNITY = """
AccountId | reference | CUFGSNP | Account
IsPrivate | boolean | CUFGSDP |  | Private
Name | string 120 | CUFGSL
Description | textarea 32000 | CUNP
StageName | picklist 255 | CUFGS | Prospecting, Qualification, Needs Analysis, Value Proposition,
Id. Decision Makers, Perception Analysis, Proposal/Price Quote, Negotiation/Review, Closed Won, Closed Lost | Stage
Amount | currency | CUFSNP
Probability | percent | CUFSNDP |  | Probability (%)
ExpectedRevenue | currency | FSNP |  | Expected Amount
CloseDate | date | CUFGS
Type | picklist 255 | CUFGSNP | Existing Customer - Upgrade, Existing Customer - Replacement,
Existing Customer - Downgrade, New Customer | Opportunity Type
NextStep | string 255 | CUFGSNP
LeadSource | picklist 255 | CUFGSNP | Web, Phone Inquiry, Partner Referral, Purchased List, Other
IsClosed | boolean | FGSD |  | Closed
IsWon | boolean | FGSD |  | Won
ForecastCategory | picklist 40 | FGSR | Omitted, Pipeline, BestCase, MostLikely, Forecast, Closed
ForecastCategoryName | picklist 255 | CUFGSNDR | Omitted, Pipeline, Best Case, Commit, Closed | Forecast Category
CampaignId | reference | CUFGSNP | Campaign
OwnerId | reference | CUFGSD | User
LastActivityDate | date | FGSN |  | Last Activity
LastStageChangeDate | datetime | FSN
ContactId | reference | CFGSNX | Contact
"""

OPPORTUNITY_CONTACT_ROLE = """
OpportunityId | reference | CFGS | Opportunity
ContactId | reference | CUFGS | Contact
Role | picklist 40 | CUFGSN | Business User, Decision Maker, Economic Buyer, Economic Decision Maker, Evaluator,
Executive Sponsor, Influencer, Technical Buyer, Other
IsPrimary | boolean | CUFGSD |  | Primary
"""

CAMPAIGN = """
Name | string 80 | CUFGSL
ParentId | reference | CUFGSNP | Campaign | Parent Campaign ID
Type | picklist 40 | CUFGSNP | Conference, Webinar, Email, Advertisement, Other
Status | picklist 40 | CUFGSNP | Planned*, In Progress, Completed, Aborted
StartDate | date | CUFGSNP
EndDate | date | CUFGSNP
IsActive | boolean | CUFGSDP |  | Active
Description | textarea 32000 | CUNP
OwnerId | reference | CUFGSD | User
"""

CAMPAIGN_MEMBER = """
CampaignId | reference | CFGS | Campaign
LeadId | reference | CFGSN | Lead
ContactId | reference | CFGSN | Contact
Status | picklist 40 | CUFGSND | Sent*, Responded
HasResponded | boolean | FGSD |  | Responded
"""
