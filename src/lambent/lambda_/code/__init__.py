"""Deployment packages: `packages` reads an uploaded .zip as a stranger's and unpacks it, `store` keeps each content once."""
