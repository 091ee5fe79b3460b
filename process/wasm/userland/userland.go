package userland
