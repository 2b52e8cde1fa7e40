"""The pages about Salesforce connections and API keys."""
