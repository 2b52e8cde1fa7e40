"""The pages of the activity app, one module a page. A view calls one function and renders; it never decides."""
