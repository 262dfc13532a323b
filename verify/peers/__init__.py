"""Peers: public libraries under judgement; one small adapter module each."""
