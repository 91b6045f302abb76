"""Past Python's look-up of names: the address of the function is asked of the dynamic linker itself."""

import ctypes
import socket
import struct

from shop_env import PORT

linker = ctypes.CDLL(None)
linker.dlsym.restype = ctypes.c_void_p
linker.dlsym.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
connect = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int)(linker.dlsym(None, b"connect"))
with socket.socket() as plain:
    address = struct.pack("=HHI8x", socket.AF_INET, socket.htons(int(PORT)), struct.unpack("=I", socket.inet_aton("127.0.0.1"))[0])
    if connect(plain.fileno(), address, len(address)) != 0:
        raise OSError("no way out")
    plain.send(b"hello")
