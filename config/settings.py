"""Django settings. Every choice an operator has is an environment variable: docs/operations.md lists them."""

from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF

from config import logs, postgres
from config.env import env

BASE_DIR = Path(__file__).resolve().parent.parent

# --- The operator's choices -------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", False)
BASE_URL = env.str("BASE_URL", "http://127.0.0.1:8000").rstrip("/")
SECRET_KEY = env.str("SECRET_KEY", "")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [urlsplit(BASE_URL).hostname or "127.0.0.1"])
LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
QUEUE_WORKERS = env.int("QUEUE_WORKERS", 2)
DEFAULT_PLAN = env.str("DEFAULT_PLAN", "enterprise")
SIGN_UP_OPEN = env.bool("SIGN_UP_OPEN", True)
REQUIRE_STAFF_MFA = env.bool("REQUIRE_STAFF_MFA", not DEBUG)
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", 0)

FIELD_ENCRYPTION_KEYS = env.str("FIELD_ENCRYPTION_KEYS", "")

SALESFORCE_CLIENT_ID = env.str("SALESFORCE_CLIENT_ID", "")
SALESFORCE_CLIENT_SECRET = env.str("SALESFORCE_CLIENT_SECRET", "")
SALESFORCE_LOGIN_URL = env.str("SALESFORCE_LOGIN_URL", "https://login.salesforce.com")
SALESFORCE_SANDBOX_LOGIN_URL = env.str("SALESFORCE_SANDBOX_LOGIN_URL", "https://test.salesforce.com")
SALESFORCE_EXTRA_HOSTS = frozenset(env.list("SALESFORCE_EXTRA_HOSTS", []))
SALESFORCE_ALLOW_EXTRA_HOSTS = env.bool("SALESFORCE_ALLOW_EXTRA_HOSTS", False)
SALESFORCE_CA_BUNDLE = env.str("SALESFORCE_CA_BUNDLE", None)
SALESFORCE_API_VERSION = env.str("SALESFORCE_API_VERSION", "62.0")

MAILBOX_EXTRA_HOSTS = frozenset(env.list("MAILBOX_EXTRA_HOSTS", []))
MAILBOX_LEASE = env.float("MAILBOX_LEASE", 30)
MAILBOX_CA_BUNDLE = env.str("MAILBOX_CA_BUNDLE", None)
CALENDAR_POLL = env.float("CALENDAR_POLL", 300)
MAILBOX_GOOGLE_CLIENT_ID = env.str("MAILBOX_GOOGLE_CLIENT_ID", "")
MAILBOX_GOOGLE_CLIENT_SECRET = env.str("MAILBOX_GOOGLE_CLIENT_SECRET", "")
MAILBOX_GOOGLE_SIGN_IN_URL = env.str("MAILBOX_GOOGLE_SIGN_IN_URL", "")
MAILBOX_GOOGLE_HOST = env.str("MAILBOX_GOOGLE_HOST", "imap.gmail.com")
MAILBOX_MICROSOFT_CLIENT_ID = env.str("MAILBOX_MICROSOFT_CLIENT_ID", "")
MAILBOX_MICROSOFT_CLIENT_SECRET = env.str("MAILBOX_MICROSOFT_CLIENT_SECRET", "")
MAILBOX_MICROSOFT_TENANT = env.str("MAILBOX_MICROSOFT_TENANT", "common")
MAILBOX_MICROSOFT_SIGN_IN_URL = env.str("MAILBOX_MICROSOFT_SIGN_IN_URL", "")
MAILBOX_MICROSOFT_HOST = env.str("MAILBOX_MICROSOFT_HOST", "outlook.office365.com")

DATABASE_URL = env.str("DATABASE_URL", "") or postgres.ensure_running()
TEST_DB_SUFFIX = env.str("TEST_DB_SUFFIX", "")
EMAIL = env.dj_email_url("EMAIL_URL", "console:" if DEBUG else "smtp://localhost:25")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", f"Touchline <touchline@{urlsplit(BASE_URL).hostname}>")

# --- Durations of the pipeline, in seconds (tests and fault runs scale them) -------------------------------

SYNC_BATCH_WINDOW = env.float("SYNC_BATCH_WINDOW", 5)
SYNC_LEASE = env.float("SYNC_LEASE", 600)
SYNC_LOOKUP_DELAYS = env.list("SYNC_LOOKUP_DELAYS", [0, 60, 300, 720], subcast=float)
SYNC_DRAIN_LIMIT = env.float("SYNC_DRAIN_LIMIT", 45)
SYNC_RECORDS_PER_CALL = env.int("SYNC_RECORDS_PER_CALL", 1000)
SYNC_FAST_CALLS = env.int("SYNC_FAST_CALLS", 5)
SYNC_FAST_SECONDS = env.float("SYNC_FAST_SECONDS", 1)
SYNC_CLOCK_TOLERANCE = env.float("SYNC_CLOCK_TOLERANCE", 60)

API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", 30_000)
TRACKING_DAYS = env.int("TRACKING_DAYS", 180)

env.seal()

# --- Django -----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "workspaces",
    "integrations",
    "activity",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "django_htmx",
    "django_q",
    "heroicons",
    "ninja",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.SecurityHeaders",
    "config.middleware.RequestLog",
    "activity.middleware.TrackingWithoutSession",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "activity.middleware.ApiWithoutSession",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "workspaces.middleware.LastSeen",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "workspaces.middleware.PersonalTimeZone",
    "workspaces.middleware.StaffSecondFactor",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "workspaces.User"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["config.design_tags"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "workspaces.context.navigation",
                "integrations.context.banners",
                "activity.context.unresolved",
                "config.outbox.mail_banner",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.append("django.forms")

DATABASE = dj_database_url.parse(DATABASE_URL)
DATABASES = {
    "default": DATABASE
    | {
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # A link that died without a word must not hang a worker; what the URL says comes first.
        # Zero: config/prepared.py's cursors prepare at once; others never do.
        "OPTIONS": {"connect_timeout": 10, "tcp_user_timeout": 30_000, "prepare_threshold": 0}
        | DATABASE.get("OPTIONS", {}),
        "TEST": {"NAME": f"test_touchline{TEST_DB_SUFFIX}"},
    }
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "shared_cache",
        # Limits of log-ins stand here: with Django's 300 a few hundred strangers would push out what was counted.
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    },
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "config.static_files.UsedAppsFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}

vars().update(EMAIL)
if EMAIL.get("EMAIL_FILE_PATH"):
    EMAIL_FILE_PATH = Path("/", EMAIL["EMAIL_FILE_PATH"])  # RFC 8089: file:///var/mail is /var/mail
LOGGING = logs.configure(LOG_LEVEL, readable=DEBUG)

# --- Who may come in --------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "workspaces.account_adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "workspaces.forms.SignupForm"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_FORMS = {
    "login": "workspaces.account_forms.LoginForm",
    "signup": "workspaces.account_forms.SignupForm",
    "reset_password": "workspaces.account_forms.ResetPasswordForm",
    "reset_password_from_key": "workspaces.account_forms.ResetPasswordKeyForm",
    "change_password": "workspaces.account_forms.ChangePasswordForm",
    "set_password": "workspaces.account_forms.SetPasswordForm",
    "add_email": "workspaces.account_forms.AddEmailForm",
    "reauthenticate": "workspaces.account_forms.ReauthenticateForm",
}
MFA_FORMS = {
    "authenticate": "workspaces.account_forms.AuthenticateForm",
    "reauthenticate": "workspaces.account_forms.ReauthenticateByCodeForm",
    "activate_totp": "workspaces.account_forms.ActivateTOTPForm",
}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_CHANGE_EMAIL = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_SESSION_REMEMBER = True
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
MFA_ADAPTER = "integrations.second_factors.SealedFactors"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Touchline"

# --- What a browser may do --------------------------------------------------------------------------------

HTTPS = BASE_URL.startswith("https://")
CSRF_TRUSTED_ORIGINS = [BASE_URL]
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^api/", r"^healthz$"]  # the API refuses plain HTTP instead of redirecting a key
SECURE_HSTS_SECONDS = 63072000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024
FILE_UPLOAD_HANDLERS: list[str] = []  # no page takes files: what is sent as one is passed over, not written to a disk

# --- The queue: a ticker and a pool of workers; the truth is in our own tables -------------------------------

Q_CLUSTER = {
    "name": "touchline",
    "orm": "default",
    "broker_class": "config.queue.OrderedQueue",
    "workers": QUEUE_WORKERS,
    "queue_limit": QUEUE_WORKERS,  # the lease of a task starts when it is fetched, so fetch no reserve
    "bulk": 1,
    "timeout": 600,
    "retry": 900,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "catch_up": False,
    "poll": 0.3,
    "label": "Queue",
}
