"""Threads, processes, locks and signals, as Python's own library uses them."""

import multiprocessing
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor


def square(n):
    return n * n


count, lock = 0, threading.Lock()


def counting(n):
    global count
    for _ in range(200):
        with lock:
            count += n
    return n * n


with ThreadPoolExecutor(4) as pool:
    print(list(pool.map(counting, range(8))), count)
filled, event = queue.Queue(), threading.Event()


def adding():
    total = 0
    while (n := filled.get()) is not None:
        total += n
    print("sum", total)
    event.set()


threading.Thread(target=adding).start()
for n in range(100):
    filled.put(n)
filled.put(None)
print("event", event.wait(60), threading.Event().wait(0.01))
print(subprocess.run(["sh", "-c", "echo out; echo err >&2; exit 3"], capture_output=True))
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(len(child.communicate(b"x" * 100000)[0]), child.returncode)
child = subprocess.Popen(["sleep", "100"])
child.terminate()
print(child.wait())
with multiprocessing.Pool(2) as pool:
    print(pool.map(square, range(10)))
value = multiprocessing.Value("i", 0)


def increase():
    for _ in range(20):
        with value.get_lock():
            value.value += 1


children = [multiprocessing.Process(target=increase) for _ in range(3)]
for each in children:
    each.start()
for each in children:
    each.join()
print(value.value, [each.exitcode for each in children])
seen = []
signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
signal.setitimer(signal.ITIMER_REAL, 0.01)
while not seen:
    time.sleep(0.01)
print(seen)
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
sys.exit(5)
