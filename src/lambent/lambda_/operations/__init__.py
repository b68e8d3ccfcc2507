"""The operations of the Lambda API, one file per noun: each reads like AWS's reference, asks the domain, returns."""
