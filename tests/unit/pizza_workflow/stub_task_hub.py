"""A workflow engine behind a real socket that keeps instances and runs nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import grpc
from dapr.ext.workflow._durabletask.internal import helpers
from dapr.ext.workflow._durabletask.internal import orchestrator_service_pb2_grpc as service
from dapr.ext.workflow._durabletask.internal import protos as pb


class StubTaskHub(service.TaskHubSidecarServiceServicer):
    """Answers as Dapr does: every error is UNKNOWN, and the words tell which."""

    def __init__(self):
        self.instances = {}
        self.histories = {}
        self.has_histories = True
        self.events = []
        self.broken = None
        self.torn_reads = 0

    def StartInstance(self, request, context):
        self._fail_if_broken(context)
        if request.instanceId in self.instances:
            text = f"an active workflow with ID '{request.instanceId}' already exists"
            context.abort(grpc.StatusCode.UNKNOWN, f"failed to create workflow instance: {text}")
        self.instances[request.instanceId] = pb.WorkflowState(
            instanceId=request.instanceId,
            name=request.name,
            input=request.input,
            createdTimestamp=helpers.new_timestamp(datetime(2026, 1, 1)),
            lastUpdatedTimestamp=helpers.new_timestamp(datetime(2026, 1, 1, 0, 0, 1)),
        )
        return pb.CreateInstanceResponse(instanceId=request.instanceId)

    def GetInstance(self, request, context):
        self._fail_if_broken(context)
        if self.torn_reads:
            self.torn_reads -= 1
            text = "inbox key missing (transient store read failure or partial save?)"
            context.abort(grpc.StatusCode.UNKNOWN, text)
        state = self.instances.get(request.instanceId)
        return pb.GetInstanceResponse(exists=state is not None, workflowState=state)

    def GetInstanceHistory(self, request, context):
        if not self.has_histories:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "unknown method GetInstanceHistory")
        self._fail_if_broken(context)
        if request.instanceId not in self.histories:
            context.abort(grpc.StatusCode.NOT_FOUND, f"'{request.instanceId}' not found")
        return pb.GetInstanceHistoryResponse(events=self.histories[request.instanceId])

    def RaiseEvent(self, request, context):
        self._known(request, context)
        self.events.append((request.name, request.input.value))
        return pb.RaiseEventResponse()

    def SuspendInstance(self, request, context):
        self._known(request, context).workflowStatus = pb.ORCHESTRATION_STATUS_SUSPENDED
        return pb.SuspendResponse()

    def ResumeInstance(self, request, context):
        self._known(request, context).workflowStatus = pb.ORCHESTRATION_STATUS_RUNNING
        return pb.ResumeResponse()

    def TerminateInstance(self, request, context):
        self._known(request, context).workflowStatus = pb.ORCHESTRATION_STATUS_TERMINATED
        return pb.TerminateResponse()

    def _known(self, request, context):
        state = self.instances.get(request.instanceId)
        if state is None:
            context.abort(grpc.StatusCode.UNKNOWN, "no such instance exists")
        return state

    def _fail_if_broken(self, context):
        if self.broken:
            context.abort(self.broken, "so it is")


class RunningTaskHub:
    """The stub's server on a port of its own; `with` starts and ends it."""

    def __init__(self, stub, port=0):
        self.stub = stub
        self._server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        service.add_TaskHubSidecarServiceServicer_to_server(stub, self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *_):
        self._server.stop(0).wait()
