"""What a kernel does for programs: processes, threads, signals, memory, time; one line each."""

import math
import mmap
import multiprocessing
import os
import signal
import threading
import time


def series(n):
    return sum(math.sin(i * n) / i for i in range(1, 10_000)).hex()


def floats_across_switches():
    with multiprocessing.Pool(8) as pool:
        return pool.map(series, [1, 2] * 8) == [series(1), series(2)] * 8


def threads_and_futexes():
    lock, total = threading.Lock(), [0]

    def add():
        for _ in range(1000):
            with lock:
                total[0] += 1

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return total[0] == 8000


def fork_and_mmap():
    shared = mmap.mmap(-1, 1 << 16)
    for n in range(50):
        if not (child := os.fork()):
            shared[n] = n
            os._exit(n)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != n:
            return False
    return shared[:50] == bytes(range(50))


def signals():
    seen = []
    signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
    return 22 <= len(seen) <= 26


def sleep():
    begin = time.monotonic()
    time.sleep(0.3)
    return 0.3 <= time.monotonic() - begin < 0.32


if __name__ == "__main__":
    for check in (floats_across_switches, threads_and_futexes, fork_and_mmap, signals, sleep):
        print(check.__name__, check())
