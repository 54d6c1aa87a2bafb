# SPDX-License-Identifier: BSD-2-Clause
"""Figures over TUN against the kernel, in namespaces that are removed again whatever happens."""

import os
import statistics
import subprocess

from inproc import BenchError, pairs, run

STACK_ADDRESS = "10.9.0.2"
KERNEL_ADDRESS = "10.9.0.1"
STACK_CORE, KERNEL_CORE = "0", "1"
CONTENDERS = {
    "lwip": ["tun-lwip", "btun0", STACK_ADDRESS],
    "estab": ["tun-estab", "plain", "btun0", STACK_ADDRESS],
    "estab-gso": ["tun-estab", "gso", "btun0", STACK_ADDRESS],
}


def kpeer(build, netns, core, *arguments):
    """The kernel's side, in a namespace, on one core; answers its figures."""
    command = ["ip", "netns", "exec", netns, "taskset", "-c", core,
               os.path.join(build, "kpeer"), *arguments]
    return pairs(run(command, timeout=60).stdout)


def gbit(figures):
    """Gbit/s of a transfer."""
    return figures["bytes"] * 8 / figures["seconds"] / 1e9


class Namespaces:
    """Two fresh namespaces and the programs started in them; leaving the block removes all."""

    def __init__(self):
        self.names = [f"estab-bench-{os.getpid()}-{end}" for end in "ab"]
        self.programs = []

    def __enter__(self):
        try:
            for name in self.names:
                run(["ip", "netns", "add", name])
                run(["ip", "-n", name, "link", "set", "lo", "up"])
                # The short-connection row would run out of ports.
                run(["ip", "netns", "exec", name, "sh", "-c",
                     "echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range"])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)

    def start(self, command, netns=None, core=STACK_CORE):
        """Starts a program that says `ready`."""
        prefix = ["ip", "netns", "exec", netns] if netns else []
        program = subprocess.Popen([*prefix, "taskset", "-c", core, *command],
                                   stdout=subprocess.PIPE, text=True)
        self.programs.append(program)
        if program.stdout.readline().strip() != "ready":
            raise BenchError(f"{os.path.basename(command[0])} did not start")

    def stop(self):
        """Ends what was started."""
        for program in self.programs:
            program.kill()
            program.wait()
            program.stdout.close()
        self.programs = []


def device_up(netns, name, address):
    """Gives the kernel's end of a TUN device its address."""
    run(["ip", "-n", netns, "address", "add", address + "/24", "dev", name])
    run(["ip", "-n", netns, "link", "set", name, "up"])


class Tun:
    """All rows over TUN. Answers dictionaries from contender to the median of its runs."""

    def __init__(self, build, quick):
        self.build = build
        self.rounds = 1 if quick else 3
        self.seconds = "0.5" if quick else "1.5"

    def contender(self, spaces, name):
        """Starts a stack on its device; answers the namespace."""
        netns = spaces.names[0]
        program, *arguments = CONTENDERS[name]
        spaces.start([os.path.join(self.build, program), *arguments], netns)
        device_up(netns, "btun0", KERNEL_ADDRESS)
        return netns

    def figures(self, name):
        """One contender's round: Gbit/s in and out, connections/s, round trip."""
        with Namespaces() as spaces:
            netns = self.contender(spaces, name)
            peer = lambda core, *words: kpeer(self.build, netns, core, *words)
            row = {"in": gbit(peer(KERNEL_CORE, "send", STACK_ADDRESS, self.seconds)),
                   "out": gbit(peer(KERNEL_CORE, "recv", STACK_ADDRESS, self.seconds))}
            conn = peer(KERNEL_CORE, "conn", STACK_ADDRESS, self.seconds)
            row["conn"] = conn["connections"] / conn["seconds"]
            row["rtt"] = peer(STACK_CORE, "rtt", STACK_ADDRESS, "20000")["median_us"]
            return row

    def forward(self, kind):
        """Gbit/s through the bare forwarder, kernel to kernel."""
        with Namespaces() as spaces:
            near, far = spaces.names
            spaces.start([os.path.join(self.build, "tun-forward"), kind,
                          "btun0", "/run/netns/" + near, "btun1", "/run/netns/" + far])
            device_up(near, "btun0", KERNEL_ADDRESS)
            device_up(far, "btun1", STACK_ADDRESS)
            spaces.start([os.path.join(self.build, "kpeer"), "serve"], far, KERNEL_CORE)
            return gbit(kpeer(self.build, near, KERNEL_CORE, "send", STACK_ADDRESS, self.seconds))

    def all(self):
        """Rounds in which everybody takes a turn; medians by contender and row."""
        runs = {name: [] for name in CONTENDERS}
        forwards = {"plain": [], "gso": []}
        for _ in range(self.rounds):
            for name in CONTENDERS:
                runs[name].append(self.figures(name))
            for kind in forwards:
                forwards[kind].append(self.forward(kind))
        table = {name: {row: statistics.median(one[row] for one in several)
                        for row in several[0]} for name, several in runs.items()}
        table["forward"] = {kind: statistics.median(rates) for kind, rates in forwards.items()}
        return table
