"""Writes the protobuf descriptors that the PyPI package dazl was generated from, as one FileDescriptorSet.

usage, in a virtual environment of Python 3.9 to 3.12:

    pip install dazl==8.9.0
    python descriptors.py published.binpb

then, from the root of the repository, `node node-images/protocol/published/refresh.ts published.binpb`.
"""

import importlib
import pkgutil
import sys

import dazl._gen
from google.protobuf import descriptor_pb2


def collect(descriptor, into):
    """Adds a file and, before it, everything that it imports."""
    if descriptor.name in into:
        return
    for imported in descriptor.dependencies:
        collect(imported, into)
    file = descriptor_pb2.FileDescriptorProto()
    descriptor.CopyToProto(file)
    into[descriptor.name] = file


def main(out):
    files = {}
    for module in pkgutil.walk_packages(dazl._gen.__path__, "dazl._gen."):
        if module.name.endswith("_pb2"):
            collect(importlib.import_module(module.name).DESCRIPTOR, files)
    descriptor_set = descriptor_pb2.FileDescriptorSet(file=files.values())
    with open(out, "wb") as target:
        target.write(descriptor_set.SerializeToString())
    print(f"{len(files)} files written to {out}")


if __name__ == "__main__":
    main(sys.argv[1])
