"""Which links a read of a completed task gives, and which links work: what the link faults do. No I/O here."""

from service.simulator.chance import Chance
from service.simulator.faults import LinkFault
from service.simulator.tasks import ResultImage, Task

SIGNATURE = "sig"


def read_links(task: Task, chance: Chance) -> list[str]:
    """The links for one read of a completed task; the read is counted, and renews links that were found dead."""
    task.links_read += 1
    task.links_renewed |= task.links_dead
    struck = task.link_faults
    links = [_link(task, image, chance) for image in task.images]
    if LinkFault.ONE_LINK_BEHIND in struck and task.links_read == 1:
        del links[chance.number(len(links), "behind", task.id)]
    if LinkFault.REORDER_LINKS in struck and links:
        turn = task.links_read % len(links)
        links = links[turn:] + links[:turn]
    return links


def refusal(task: Task, image: ResultImage, *, path: str, signed: bool) -> int | None:
    """The status that a dead link is answered with, None when it works; a refusal is noted."""
    status = _refusal(task, image, path, signed)
    if status is not None:
        image.refused += 1
        task.links_dead = True
    return status


def _refusal(task: Task, image: ResultImage, path: str, signed: bool) -> int | None:
    struck, renewed = task.link_faults, task.links_renewed
    if LinkFault.MOVED in struck and not (renewed and path == image.moved_path):
        return 404
    if LinkFault.DIES_EARLY in struck and not (renewed and signed):
        return 403
    return None


def _link(task: Task, image: ResultImage, chance: Chance) -> str:
    struck, renewed = task.link_faults, task.links_renewed
    link = image.moved_url if LinkFault.MOVED in struck and renewed else image.url
    if LinkFault.RESIGNED in struck or (LinkFault.DIES_EARLY in struck and renewed):
        return f"{link}?{SIGNATURE}={chance.hexadecimal(16, SIGNATURE, image.picture.name, task.links_read)}"
    return link
