"""The engine: an orchestration's history as a state machine. Events in, new state and messages out.

The law of this folder: no I/O, no clock, no random. Time and new ids are arguments; generated
protobuf messages count as data. A test fails when a module here imports asyncio, sqlite3, grpc,
aiohttp, time, random, uuid or logging.
"""
