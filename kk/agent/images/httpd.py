"""httpd: `It works!` on port 80 (kk.agent.programs.web in the manner of Apache httpd)."""

from kk.agent.images._image import VERSION, Image, instead, python_program


def _server() -> list[str]:
    return python_program("web", "httpd")


IMAGE = Image(
    ("httpd",),
    command=_server,
    tags=rf"(latest|alpine\d*(\.\d+)?|bookworm|trixie|({VERSION})(-(alpine\d*(\.\d+)?|bullseye|bookworm|trixie))?)",
    env={"HTTPD_PREFIX": "/usr/local/apache2", "HTTPD_VERSION": "2.4.66"},
    programs={"httpd-foreground": instead(_server), "httpd": instead(_server)},
    version_env="HTTPD_VERSION",
    mounts=("/usr/local/apache2/htdocs",),
    ports=(80,),
    stop_signal=28,  # SIGWINCH, as the image has it
)
