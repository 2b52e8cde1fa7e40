"""How an activity becomes a Task or an Event: capture, exclude, match, compose, log to Salesforce."""
