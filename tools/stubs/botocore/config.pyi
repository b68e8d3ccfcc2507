class Config:
    def __init__(
        self, *, retries: dict[str, int], connect_timeout: float, read_timeout: float, proxies: dict[str, str]
    ) -> None: ...
