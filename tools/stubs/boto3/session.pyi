from typing import Any

from botocore.config import Config

class Session:
    def client(  # the clients are made at run time, out of data
        self,
        service_name: str,
        *,
        region_name: str,
        endpoint_url: str,
        aws_access_key_id: str,
        aws_secret_access_key: str,
        aws_session_token: str | None,
        config: Config,
    ) -> Any: ...
