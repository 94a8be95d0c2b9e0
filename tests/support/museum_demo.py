"""A museum to try things with: a MuseumPlus with twelve objects, a preservation service that decides, and the server.

    python -m tests.support.museum_demo FOLDER

starts all three and writes ``FOLDER/museum.env``, which a shell reads to find them, and runs until it is interrupted.
The first ten objects can be preserved, the last two cannot.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.support import museumplus as plus
from tests.support.certificates_of_signers import write_signer
from tests.support.preservation_service import CONTRACT, Ingester
from tests.support.sftp_server import USER, SftpServer

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 120


def fill(museum: plus.MuseumPlus) -> None:
    """Twelve objects with a picture each; one picture has no format that is preserved, one name is not ASCII."""
    picture = BytesIO()
    Image.new("RGB", (400, 300), "teal").save(picture, "JPEG")
    names = {11: ("drawing.wad", b"IWAD"), 12: ("kärpänen.jpg", picture.getvalue())}
    for number in range(1, 13):
        name, content = names.get(number, (f"picture {number}.jpg", picture.getvalue()))
        museum.add_object(number, title=f"Spoon {number}", multimedia=(number * 100,))
        museum.add_multimedia(number * 100, filename=name, attachment=content, objects=(number,))


def settings_for(folder: Path, museum: plus.MuseumPlus, sftp: SftpServer) -> dict[str, str]:
    """The environment in which the server finds both."""
    return {
        "MUSEUMPLUS_URL": museum.url,
        "MUSEUMPLUS_USERNAME": plus.USERNAME,
        "MUSEUMPLUS_PASSWORD": plus.PASSWORD,
        "MUSEUMPLUS_PRESERVATION_FIELD": "ObjPreservationClb",
        "METS_ORGANIZATION_NAME": "Museum",
        "METS_CONTRACT_ID": CONTRACT,
        "SIP_SIGN_KEY": str(folder / "signer.pem"),
        "DPRES_SFTP_HOST": "127.0.0.1",
        "DPRES_SFTP_PORT": str(sftp.port),
        "DPRES_SFTP_USERNAME": USER,
        "DPRES_SFTP_KEY": str(sftp.key_file),
        "DPRES_SFTP_KNOWN_HOSTS": str(sftp.known_hosts),
    }


@contextlib.contextmanager
def both(folder: Path) -> Iterator[dict[str, str]]:
    """MuseumPlus and the preservation service, which decides each second; the settings that lead to them."""
    folder.mkdir(parents=True, exist_ok=True)
    write_signer(folder / "signer.pem")
    ingester = Ingester(folder / "service", folder / "signer.crt")
    ended = threading.Event()

    def decide() -> None:
        while not ended.wait(1):
            ingester.process()

    with plus.museumplus() as museum, SftpServer(ingester.root, folder / "keys") as sftp:
        fill(museum)
        thread = threading.Thread(target=decide, daemon=True)
        thread.start()
        told = settings_for(folder, museum, sftp)
        write_env(folder / "museum.env", told)
        try:
            yield told
        finally:
            ended.set()
            thread.join()


def write_env(file: Path, told: dict[str, str], more: str = "") -> None:
    """What a shell reads to find all of it."""
    half = file.with_suffix(".new")
    half.write_text("".join(f"export {name}={shlex.quote(value)}\n" for name, value in told.items()) + more)
    half.replace(file)


def main(folder: Path) -> None:
    """Run all three until interrupted."""
    with both(folder) as told:
        told["DATA_DIR"] = str(folder / "data")
        environ = {**os.environ, **told}
        with (folder / "server.log").open("wb") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "embedded.run"], env=environ, cwd=REPOSITORY, stdout=log, stderr=log
            )
        try:
            _wait(server, folder)
            manage = [sys.executable, str(REPOSITORY / "manage.py")]
            subprocess.run([*manage, "museum_setup"], env=environ, check=True)
            function = f'deposit-admin() {{ {shlex.join(manage)} "$@"; }}\n'
            write_env(folder / "museum.env", told, function)
            sys.stdout.write(f"Ready. In another terminal: . {folder / 'museum.env'}\n")
            sys.stdout.flush()
            server.wait()
        finally:
            server.send_signal(signal.SIGINT)
            server.wait()


def _wait(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    address = f"http://127.0.0.1:{os.environ.get('PORT', '8080')}/healthz"
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(address, timeout=2):
            time.sleep(1)  # another's server may answer there, and ours just find its port taken
            if server.poll() is None:
                return
        time.sleep(0.5)
    sys.exit(f"The server did not start; {folder / 'server.log'} says why.")


if __name__ == "__main__":
    # Shells have what they start in the background ignore SIGINT; asked to stop, this stops all the same.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        main(Path(sys.argv[1]).resolve())
