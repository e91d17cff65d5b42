"""Makes backbones from each of the places that pretrained networks come from."""
