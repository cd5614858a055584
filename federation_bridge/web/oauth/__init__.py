"""The endpoints of the authorization server that programs call."""
