"""What the HTTP faces share: bodies, multipart, uploads, headers, negotiation, downloads, retries."""
