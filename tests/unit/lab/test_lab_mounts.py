"""Reading the kernel's list of mounts."""

from opsctl.lab.mounts import mount_points

LINES = """22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
90 22 0:40 / /var/lib/opsctl-lab/hosts/aalund-1/merged rw - overlay overlay rw,lowerdir=/a,upperdir=/b
91 22 7:0 / /var/lib/with\\040space rw - ext4 /dev/loop0 rw
"""


def test_mount_points_in_order_with_spaces_decoded() -> None:
    assert mount_points(LINES) == ["/", "/var/lib/opsctl-lab/hosts/aalund-1/merged", "/var/lib/with space"]


def test_the_machines_own_root_is_mounted() -> None:
    assert "/" in mount_points()
