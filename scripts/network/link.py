"""A bad link between two network namespaces, for kernels without netem: two TUN devices, and between them what netem does to packets.

usage: link.py DEVICE DEVICE SEED

Each line on standard input is a condition, in JSON, and is answered by a line that counts what has passed since the last one. It ends with its input.
In a condition: loss and reorder (percent), delay and jitter (ms), rate (kbit/s), queue (packets). Each direction has it for itself, as with netem at both ends.
"""
import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
LONGEST_PACKET = 65536


def open_tun(name):
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return tun


class Direction:
    def __init__(self, target):
        self.target = target
        self.queue = []  # (when it is due, its number, the packet)
        self.number = 0
        self.highest = -1  # of those delivered
        self.free_at = 0.0  # when the line has sent what went before

    def take(self, packet, condition, now, counts):
        counts["packets"] += 1
        if chance.random() * 100 < condition["loss"] or len(self.queue) >= condition["queue"]:
            counts["dropped"] += 1
            return
        sent = now
        if condition["rate"] > 0:
            sent = self.free_at = max(now, self.free_at) + len(packet) * 8 / (condition["rate"] * 1000)
        at_once = chance.random() * 100 < condition["reorder"]
        delay = 0 if at_once else max(0, condition["delay"] + chance.uniform(-1, 1) * condition["jitter"])
        heapq.heappush(self.queue, (sent + delay / 1000, self.number, packet))
        self.number += 1

    def deliver(self, now, counts):
        while self.queue and self.queue[0][0] <= now:
            _, number, packet = heapq.heappop(self.queue)
            counts["overtaken"] += number < self.highest
            self.highest = max(self.highest, number)
            os.write(self.target, packet)


def is_ipv4(packet):
    return packet[0] >> 4 == 4  # the kernel's own IPv6 greetings are nobody's


chance = random.Random(int(sys.argv[3]))
PERFECT = {"loss": 0, "reorder": 0, "delay": 0, "jitter": 0, "rate": 0, "queue": 1000}
NOTHING = {"packets": 0, "dropped": 0, "overtaken": 0}
condition, counts = PERFECT, dict(NOTHING)
tuns = [open_tun(name) for name in sys.argv[1:3]]
directions = {tuns[0]: Direction(tuns[1]), tuns[1]: Direction(tuns[0])}
print("ready", flush=True)
while True:
    due = [direction.queue[0][0] for direction in directions.values() if direction.queue]
    wait = max(0, min(due) - time.monotonic()) if due else None
    readable, _, _ = select.select([*tuns, sys.stdin], [], [], wait)
    now = time.monotonic()
    for tun in tuns:
        if tun in readable:
            packet = os.read(tun, LONGEST_PACKET)
            if is_ipv4(packet):
                directions[tun].take(packet, condition, now, counts)
        directions[tun].deliver(now, counts)
    if sys.stdin in readable:
        line = sys.stdin.readline()
        if line == "":
            break
        print(json.dumps(counts), flush=True)
        condition, counts = {**PERFECT, **json.loads(line)}, dict(NOTHING)
