"""The web service: `/api/v1` over the repositories, deny by default."""
