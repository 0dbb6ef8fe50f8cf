"""The names of the annotations that this program reads and writes."""

ANNOTATIONS = "kube-node-dns.kyle.space/"

NODE_IPS, BOOT_ID = ANNOTATIONS + "node-ips", ANNOTATIONS + "boot-id"
"""By annotate-once: addresses joined by commas ("" for none), and the boot in which they were found."""

COORDINATES, BIAS = ANNOTATIONS + "aws-geoproximity-coordinates", ANNOTATIONS + "aws-geoproximity-bias"
"""By the user: latitude and longitude in degrees, and how far the node's place reaches."""

PUBLIC_IPS = ANNOTATIONS + "public-ips"
"""By the user, in the form of node-ips: the node's addresses, instead of those of every other source."""
