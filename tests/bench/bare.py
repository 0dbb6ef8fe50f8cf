"""What no sync can do without: a process that has a Route 53 client, and ends."""

import boto3

boto3.client("route53")
