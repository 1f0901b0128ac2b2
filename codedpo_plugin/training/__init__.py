"""Training on preference pairs with TRL. Imported only when something is trained."""
