"""The pages of the app."""

from django.urls import URLPattern, path

urlpatterns: list[URLPattern] = []
