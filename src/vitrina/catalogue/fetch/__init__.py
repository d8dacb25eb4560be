"""What feeds name by address, fetched: within limits, from public addresses, politely."""
