"""What the design cannot do without: a process that is logged in to Kubernetes and has a Route 53 client, and ends."""

import boto3
from kubernetes import config
from kubernetes.client import ApiClient, Configuration

configuration = Configuration()
config.load_kube_config(client_configuration=configuration)
ApiClient(configuration)
boto3.client("route53")
