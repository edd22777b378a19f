"""``mlspec package``: what others need to start ``mlspec serve`` on a bundle."""

import click

from mlspec.cli._output import result, talk

FORMATS = ("docker", "systemd", "kubernetes", "kserve")


@click.command(name="package")
@click.argument("bundle", type=click.Path())
@click.option("--format", "form", type=click.Choice(FORMATS), required=True, help="What is to start the service.")
@click.option("-o", "--output", type=click.Path(), required=True, metavar="FOLDER", help="A new folder for the files.")
@click.option(
    "--image",
    default="",
    metavar="IMAGE",
    help="The image with Python that a Dockerfile starts from, or the built one that a cluster runs.",
)
@click.option("--command", "program", default="", metavar="FILE", help="For systemd: where mlspec is installed.")
def command(bundle: str, form: str, output: str, image: str, program: str) -> None:
    """Write the files with which a container, systemd, Kubernetes or KServe serves a bundle.

    The service runs without root, on a file system that it cannot write to, with no capabilities. docker: a folder to
    build from, with the bundle and exact versions of all libraries. kubernetes and kserve: manifests for the image
    that this Dockerfile has built.
    """
    from mlspec import api
    from mlspec.diagnostics import printable

    done = api.package(bundle, form, output, image=image, command=program)
    result(printable(f"wrote {', '.join(done.files)} to {done.folder}"))
    for note in done.notes:
        talk(printable(f"note: {note}"))
