"""Publishes numbers until it is killed and prints each once it was acknowledged. Usage: FOLDER."""

import asyncio
import sys
from pathlib import Path

from localdapr.app_calls import new_session
from localdapr.cloudevent import Publication
from localdapr.components import Component
from localdapr.deliveries import SCHEMA
from localdapr.manifest import App
from localdapr.pubsub import PubSub
from localdapr.resources import Resources
from localdapr.store import Store
from localdapr.subscriptions import Rule, Subscription

MANY = 300  # more than are published when it is killed, few enough to be delivered soon


async def publish(folder: Path) -> None:
    wish = Subscription("pubsub", "orders", (Rule("/orders"),))
    resources = Resources((Component("pubsub", "pubsub.redis"),), (wish,))
    store = Store(folder, [SCHEMA])
    async with new_session() as session:
        pubsub = PubSub(store, session)
        await pubsub.start()
        await pubsub.add(App("kitchen", 0, 0, 1), resources)
        await pubsub.add(App("shop", 0, 0), resources)
        for number in range(MANY):
            body = str(number).encode()
            message = Publication("shop", "pubsub", "orders", body, "application/json")
            await pubsub.publish([message])
            print(number, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(publish(Path(sys.argv[1])))
