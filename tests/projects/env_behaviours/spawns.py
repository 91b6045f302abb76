import subprocess

subprocess.check_output(["git", "rev-parse", "HEAD"])
