"""What was built, brought to AWS: the artifact bucket, layers, images, assets."""
