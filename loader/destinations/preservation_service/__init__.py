"""The national digital preservation service: SIPs over SFTP, verdicts by report or REST."""
