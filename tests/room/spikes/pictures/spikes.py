"""A picture of a spikes excerpt: how many marks there are of each kind."""


def draw(excerpt, lang):
    told = f"{lang} {len(excerpt['truth'])} {len(excerpt['marked'])}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><desc>{told}</desc></svg>'.encode()
