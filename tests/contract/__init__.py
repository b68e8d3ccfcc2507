"""What every sandbox backend must do, as one suite that runs over each backend that this machine can have."""
