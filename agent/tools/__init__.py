"""The agent's tools: what the graph's nodes call, and any other program can. See agent/tools/register.py."""
