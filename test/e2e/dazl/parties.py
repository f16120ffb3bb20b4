"""What somebody does with dazl who has a Ledger API and nothing else: lists the parties, and adds one.

usage: python parties.py URL HINT

Prints one line of JSON. Works with dazl 7 and 8, which have the same calls for it.
"""

import asyncio
import json
import sys

import dazl
import grpc


def shown(party):
    return {"party": party.party, "displayName": party.display_name, "isLocal": party.is_local}


async def main(url, hint):
    async with dazl.connect(url=url, admin=True) as connection:
        before = await connection.list_known_parties()
        allocated = await connection.allocate_party(identifier_hint=hint, display_name=f"{hint} by dazl")
        after = await connection.list_known_parties()
        try:
            await connection.allocate_party(identifier_hint=hint)
            again = None
        except grpc.RpcError as error:
            again = {"code": error.code().name, "message": error.details()}
    print(
        json.dumps(
            {
                "version": dazl.__version__,
                "before": [shown(party) for party in before],
                "allocated": shown(allocated),
                "after": [shown(party) for party in after],
                "again": again,
            }
        )
    )


asyncio.run(main(*sys.argv[1:]))
