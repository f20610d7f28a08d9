"""The agent: campaigns, briefs, providers, store, views, command line."""
