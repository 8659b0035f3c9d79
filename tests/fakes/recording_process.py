"""A relay process that records until it is killed; its argument is JSON, and a line on stdout says that it began."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from relay.recording.studio import Pace
from tests.fakes.services import S3Server
from tests.fakes.studios import Site


async def main(*, session_id: str, folder: str, bucket: str, redis_url: str, s3_port: int, claim: float) -> None:
    """Records at the pace that users have, but for the time after which others take over."""
    server = S3Server((), s3_port, lambda _: True)
    site = Site(server=server, bucket=bucket, redis_url=redis_url, folder=Path(folder))
    async with site.studio(pace=Pace(claim=claim)) as studio:
        sys.stdout.write("recording\n")
        sys.stdout.flush()
        await site.session(studio, session_id, seconds=60)


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
