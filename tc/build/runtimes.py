"""What Lambda's runtimes run on: the system, its glibc, its libraries.

Sources: "Lambda runtimes", AWS Lambda developer guide (which runtime has which system);
"Comparing AL2 and AL2023", Amazon Linux 2023 user guide (glibc 2.26 and 2.34, gcc 7.3 and 11.4);
"ABI Policy and Guidelines", libstdc++ manual (which gcc has which GLIBCXX).
"""

from __future__ import annotations

from tc.records import dataclass


@dataclass(frozen=True, slots=True)
class System:
    """What a runtime stands on; `glibc` is (major, minor), `glibcxx` the last number of libstdc++'s
    newest symbols (``GLIBCXX_3.4.29``)."""

    name: str
    glibc: tuple[int, int]
    glibcxx: int


AL2 = System("Amazon Linux 2", (2, 26), 24)
AL2023 = System("Amazon Linux 2023", (2, 34), 29)

#: all others, and those to come, stand on Amazon Linux 2023
_ON_AL2 = frozenset(
    {
        *("python3.8", "python3.9", "python3.10", "python3.11"),
        *("nodejs14.x", "nodejs16.x", "nodejs18.x"),
        *("ruby2.7", "ruby3.2"),
        *("java8.al2", "java11", "java17"),
        *("provided.al2", "dotnet6"),
    }
)
#: glibc's own, of both CPUs: they must never come from elsewhere
GLIBC = frozenset(
    {
        *("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6"),
        *("libdl.so.2", "libpthread.so.0", "librt.so.1", "libutil.so.1", "libresolv.so.2"),
        *("libanl.so.1", "libBrokenLocale.so.1", "libnss_dns.so.2", "libnss_files.so.2"),
        *("libthread_db.so.1", "libmvec.so.1"),
    }
)
#: what else each runtime has at least: the C++ and compiler runtimes, and what the
#: system's own tools and the Python, Ruby and Node.js of the images are linked with
_COMMON = frozenset({"libgcc_s.so.1", "libstdc++.so.6", "libz.so.1"})


def system_of(runtime: str) -> System:
    """What `runtime` (``python3.12``) stands on."""
    return AL2 if runtime in _ON_AL2 else AL2023


def provided(runtime: str) -> frozenset[str]:
    """The shared libraries (``libz.so.1``) that are surely there where `runtime` runs.

    AWS publishes no list; these few are what the manylinux policies (PEP 599, PEP 600) rely
    on and the runtimes themselves need. The images have more: whoever has a container
    engine reads it from the image (`tc.build.tools.Containers.provided`).
    """
    own = {f"lib{runtime}.so.1.0"} if runtime.startswith("python") else set()
    return GLIBC | _COMMON | own
