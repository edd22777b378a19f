"""The hand-written function behind a starlette handler: python starlette_app.py FOLDER PORT."""

import sys
from pathlib import Path

import msgspec
import uvicorn
from by_hand import answering
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

answer = answering(Path(sys.argv[1]))


async def predict(request: Request) -> Response:
    row = msgspec.json.decode(await request.body())
    return Response(msgspec.json.encode(answer(row)), media_type="application/json")


uvicorn.run(
    Starlette(routes=[Route("/predict", predict, methods=["POST"])]),
    port=int(sys.argv[2]),
    loop="asyncio",
    http="httptools",
    log_level="warning",
    access_log=False,
)
