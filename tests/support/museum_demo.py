"""A museum to try things with: a MuseumPlus with a few objects, and a preservation service that decides by itself.

    python -m tests.support.museum_demo FOLDER

writes ``FOLDER/museum.env``, the settings with which the service finds both, and runs until it is interrupted. Of
twelve objects ten can be preserved.
"""

import sys
import time
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.support import museumplus as plus
from tests.support.certificates_of_signers import write_signer
from tests.support.preservation_service import CONTRACT, Ingester
from tests.support.sftp_server import USER, SftpServer


def fill(museum: plus.MuseumPlus) -> None:
    """Twelve objects with a picture each; one picture has no format that is preserved, one name is not ASCII."""
    picture = BytesIO()
    Image.new("RGB", (400, 300), "teal").save(picture, "JPEG")
    names = {5: ("drawing.wad", b"IWAD"), 9: ("kärpänen.jpg", picture.getvalue())}
    for number in range(1, 13):
        name, content = names.get(number, (f"picture {number}.jpg", picture.getvalue()))
        museum.add_object(number, title=f"Spoon {number}", multimedia=(number * 100,))
        museum.add_multimedia(number * 100, filename=name, attachment=content, objects=(number,))


def settings_for(folder: Path, museum: plus.MuseumPlus, sftp: SftpServer) -> str:
    """The environment in which the service finds both."""
    told = {
        "MUSEUMPLUS_URL": museum.url,
        "MUSEUMPLUS_USERNAME": plus.USERNAME,
        "MUSEUMPLUS_PASSWORD": plus.PASSWORD,
        "MUSEUMPLUS_PRESERVATION_FIELD": "ObjPreservationClb",
        "METS_ORGANIZATION_NAME": "Museum",
        "METS_CONTRACT_ID": CONTRACT,
        "SIP_SIGN_KEY": folder / "signer.pem",
        "DPRES_SFTP_HOST": "127.0.0.1",
        "DPRES_SFTP_PORT": sftp.port,
        "DPRES_SFTP_USERNAME": USER,
        "DPRES_SFTP_KEY": sftp.key_file,
        "DPRES_SFTP_KNOWN_HOSTS": sftp.known_hosts,
    }
    return "".join(f"export {name}={value}\n" for name, value in told.items())


def main(folder: Path) -> None:
    """Run both until interrupted."""
    folder.mkdir(parents=True, exist_ok=True)
    write_signer(folder / "signer.pem")
    ingester = Ingester(folder / "service", folder / "signer.crt")
    with plus.museumplus() as museum, SftpServer(ingester.root, folder / "keys") as sftp:
        fill(museum)
        (folder / "museum.env").write_text(settings_for(folder, museum, sftp))
        sys.stdout.write(f"MuseumPlus at {museum.url}. Settings: {folder / 'museum.env'}\n")
        sys.stdout.flush()
        while True:
            for done in ingester.process():
                sys.stdout.write(f"{done.sip}: {done.status} {'; '.join(done.faults)}\n")
                sys.stdout.flush()
            time.sleep(1)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).resolve())
    except KeyboardInterrupt:
        sys.exit(0)
