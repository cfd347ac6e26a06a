# Elixir's own ways to a node.
node = String.to_atom(System.fetch_env!("DREY_TEST_NAME"))

catch_exit = fn fun ->
  try do
    fun.()
  catch
    :exit, reason -> reason
  end
end

# A module, since a receive in a fun of a script may not compile.
defmodule Down do
  def reason(pattern_ref) do
    receive do
      {:DOWN, ref, :process, _, reason} when ref == pattern_ref -> reason
    after
      2000 -> nil
    end
  end
end

check = fn name, fun ->
  try do
    true = fun.()
    :ok
  rescue
    error -> IO.puts("failed: elixir #{name}: #{inspect(error)}")
  catch
    kind, reason -> IO.puts("failed: elixir #{name}: #{inspect({kind, reason})}")
  end
end

results = [
  check.("Node.connect", fn -> Node.connect(node) end),
  check.("Node.ping", fn -> Node.ping(node) == :pong end),
  check.("Node.list", fn -> node in Node.list(:hidden) and node not in Node.list() end),
  check.("GenServer.call", fn -> GenServer.call({:test, node}, {:echo, %{a: [1.5, "x"]}}) == %{a: [1.5, "x"]} end),
  check.("GenServer.call timeout", fn ->
    match?({:timeout, _}, catch_exit.(fn -> GenServer.call({:test, node}, {:sleep, 60_000}, 50) end))
  end),
  check.("GenServer.call noproc", fn -> match?({:noproc, _}, catch_exit.(fn -> GenServer.call({:nobody, node}, 1) end)) end),
  check.("GenServer.cast", fn -> GenServer.cast({:test, node}, {:echo, 1}) == :ok end),
  check.("GenServer.whereis", fn -> GenServer.whereis({:test, node}) == {:test, node} end),
  check.(":erpc.call", fn -> :erpc.call(node, :test, :echo, [~c"x"]) == ~c"x" end),
  check.(":rpc.multicall", fn -> :rpc.multicall([node], :test, :echo, [1]) == {[1], []} end),
  check.(":erpc error", fn ->
    try do
      :erpc.call(node, :test, :error, [:boom])
    rescue
      error in ErlangError -> match?({:exception, :boom, [{:test, :error, 1, []}]}, error.original)
    end
  end),
  check.("Process.monitor", fn ->
    Down.reason(Process.monitor({:nobody, node})) == :noproc
  end),
  check.("Node.spawn_monitor", fn ->
    {_, ref} = Node.spawn_monitor(node, :test, :null, [])
    Down.reason(ref) == :normal
  end),
  check.("Node.spawn of a function", fn ->
    {_, ref} = Node.spawn_monitor(node, fn -> :ok end)
    Down.reason(ref) == :notsup
  end),
  check.("Task over calls", fn ->
    1..20
    |> Task.async_stream(fn i -> :erpc.call(node, :test, :echo, [i]) end, max_concurrency: 20)
    |> Enum.map(fn {:ok, i} -> i end) == Enum.to_list(1..20)
  end),
  check.("Task.Supervisor there", fn ->
    match?({:noproc, _}, catch_exit.(fn -> Task.Supervisor.async({Sup, node}, fn -> 1 end) end))
  end),
  check.("Node.disconnect", fn -> Node.disconnect(node) and Node.ping(node) == :pong end)
]

failed = Enum.count(results, &(&1 != :ok))
IO.puts("elixir: #{length(results) - failed} passed, #{failed} failed")
System.halt(if failed == 0, do: 0, else: 1)
