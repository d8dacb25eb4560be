"""The shop's server: JSON over HTTP, and the page; never loads the training framework."""
