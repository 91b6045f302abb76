import sys

sys.exit("production is asleep")
