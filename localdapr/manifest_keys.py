"""The keys of a multi-app run template, as the Dapr CLI knows them."""

PORT_KEYS = ("appPort", "daprHTTPPort", "daprGRPCPort")
ROOT_KEYS = frozenset({"version", "name", "common", "apps"})
SHARED_KEYS = frozenset({"resourcesPath", "resourcesPaths", "configFilePath", "env", "appProtocol"})
APP_KEYS = frozenset({"appID", "appDirPath", "appChannelAddress", "command", *PORT_KEYS})
# Known to the Dapr CLI and without a meaning here: named in one note, not refused.
SHARED_IGNORED = frozenset(
    [
        "apiListenAddresses",
        "appHealthCheckPath",
        "appHealthProbeInterval",
        "appHealthProbeTimeout",
        "appHealthThreshold",
        "appLogDestination",
        "appMaxConcurrency",
        "appSSL",
        "daprdLogDestination",
        "enableApiLogging",
        "enableAppHealthCheck",
        "enableProfiling",
        "logLevel",
        "maxBodySize",
        "placementHostAddress",
        "readBufferSize",
        "runtimePath",
        "schedulerHostAddress",
    ]
)
APP_IGNORED = SHARED_IGNORED | frozenset(
    [
        "containerImage",
        "containerImagePullPolicy",
        "createService",
        "daprInternalGRPCPort",
        "metricsPort",
        "profilePort",
        "unixDomainSocket",
    ]
)
