import socket

socket.getaddrinfo("production.example.org", 5432)
