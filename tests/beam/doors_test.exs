# What an Elixir programmer does with a drey_node, from a real `elixir`: the documented ways in, by their names.
ExUnit.start(autorun: false, timeout: 120_000)

defmodule DoorsTest do
  use ExUnit.Case

  @node :"ex1@127.0.0.1"
  @other :"ex2@127.0.0.1"
  @normal %{parameters: [{:x, :real}], model: [{:"~", :x, {:normal, 0, 1}}]}
  @schools %{
    data: %{y: [28, 8, -3, 7, -1, 1, 18, 12], sigma: [15, 10, 16, 11, 9, 11, 10, 18]},
    parameters: [{:mu, :real}, {:tau, :real, [lower: 0]}, {:eta, {:vector, 8}}],
    transformed: [{:theta, {:+, :mu, {:*, :tau, :eta}}}],
    model: [
      {:"~", :mu, {:normal, 0, 5}},
      {:"~", :tau, {:half_cauchy, 5}},
      {:"~", :eta, {:normal, 0, 1}},
      {:"~", :y, {:normal, :theta, :sigma}}
    ]
  }
  @options [chains: 4, warmup: 100, draws: 50, seed: 5]

  test "Node.connect and Node.ping" do
    assert Node.connect(@node)
    assert @node in Node.list(:hidden)
    assert Node.ping(@node) == :pong
    assert Node.ping(:"nobody@127.0.0.1") == :pang
  end

  test ":rpc.call and :erpc.call" do
    assert {:ok, %{dimension: 1}} = :rpc.call(@node, :drey, :check, [@normal])
    assert {:ok, %{dimension: 1}} = :rpc.call(@node, :drey, :check, [@normal], 30_000)
    assert {:ok, %{dimension: 1}} = :erpc.call(@node, :drey, :check, [@normal])
    assert {:badrpc, {:EXIT, {:undef, _}}} = :rpc.call(@node, :drey, :nothing, [])
    assert_raise ErlangError, fn -> :erpc.call(@node, System, :halt, []) end
    assert {:badrpc, _} = :rpc.call(@node, System, :cmd, ["true", []])
  end

  test ":erpc.send_request and :rpc.multicall" do
    request = :erpc.send_request(@node, :drey, :check, [@normal])
    assert {:ok, %{dimension: 1}} = :erpc.receive_response(request, 30_000)
    assert {[{:ok, _}, {:ok, _}], []} = :rpc.multicall([@node, @other], :drey, :check, [@normal])
  end

  test "GenServer.call" do
    assert {:ok, %{draws: %{x: {_, [4, 50], _}}}} =
             GenServer.call({:drey, @node}, {:sample, @normal, @options}, 60_000)

    assert {:noproc, _} = catch_exit(GenServer.call({:nobody, @node}, :hello))
  end

  test "Process.monitor and Node.monitor" do
    reference = Process.monitor({:drey, @node})
    refute_receive {:DOWN, ^reference, _, _, _}, 200
    Process.demonitor(reference, [:flush])

    reference = Process.monitor({:nobody, @node})
    assert_receive {:DOWN, ^reference, :process, {:nobody, @node}, :noproc}, 5_000
  end

  test "Drey: on a node, over nodes, and here are the same" do
    here = Drey.sample!(@schools, @options)
    there = Drey.sample!(@schools, [on: @node] ++ @options)
    over = Drey.sample!(@schools, [nodes: [@node, @other], tuning: there.tuning] ++ @options)
    assert here.draws == there.draws
    assert here.draws == over.draws
    assert inspect(there) =~ "theta[8]"
    assert %{rhat: _} = Drey.Result.row(over, "theta[8]")
  end

  test "Drey: streaming, stopping, cutting" do
    options = [on: @node, chains: 4, warmup: 100, seed: 5]
    streamed = Drey.sample!(@schools, [draws: 50, stream_to: self(), stream: :draws, window: 25] ++ options)
    assert_received {:drey, _, {:draws, %{first_draw: 0, draws: %{tau: {:f32, [4, 25], _}}}}}
    assert_received {:drey, _, {:draws, %{first_draw: 25}}}
    assert {:error, %Drey.Error{reason: :no_such_job}} = Drey.credit(12_345, 1, on: @node)

    assert %{stop: %{reached: true, draws: draws}} = stopped = Drey.sample!(@schools, [stop: [ess: 200]] ++ options)
    assert inspect(stopped) =~ "stopped by rule at draw #{draws}"
    assert inspect(stopped) =~ "lowest E-BFMI"
    assert is_list(Drey.Result.divergences(stopped))

    assert %{checkpoint: checkpoint} = Drey.sample!(@schools, [draws: 20, checkpoint: true] ++ options)
    assert Drey.sample!(@schools, resume: checkpoint, draws: 50).draws == streamed.draws

    assert {:error, %Drey.Error{reason: :deadline, details: %{checkpoint: cut, draws: _}}} =
             Drey.sample(@schools, [draws: 500, thin: 2000, checkpoint: true, deadline_ms: 1500] ++ options)

    assert {:error, %Drey.Error{reason: :deadline}} =
             Drey.sample(@schools, resume: cut, checkpoint: true, deadline_ms: 200, on: @other)
  end

  test "Drey: both precisions" do
    for precision <- [:f32, :f64] do
      assert %{draws: %{x: {^precision, [4, 50], _}}} =
               Drey.sample!(@normal, [on: @node, precision: precision] ++ @options)
    end
  end

  test "Drey: structured errors" do
    assert {:error, %Drey.Error{reason: reason, message: message}} =
             Drey.sample(%{@normal | model: [{:"~", :x, {:normall, 0, 1}}]}, on: @node)

    assert is_atom(reason)
    assert message =~ "normall"
    assert_raise Drey.Error, ~r/draws/, fn -> Drey.sample!(@normal, on: @node, draws: 0) end
    assert {:error, %Drey.Error{}} = Drey.check("no model", on: @node)
  end

  test "Drey: info, check, log_density, jobs" do
    assert {:ok, %{node: @node, devices: [_ | _], version: version}} = Drey.info(on: @node)
    {:ok, _} = Application.ensure_all_started(:drey)
    assert version == to_string(Application.spec(:drey, :vsn))
    assert {:ok, %{dimension: 10}} = Drey.check(@schools, on: @node)
    assert {:ok, %{value: value}} = Drey.log_density(@normal, [[0.0]], on: @node)
    assert_in_delta hd(:drey_draws.to_floats(value)), -0.9189385332046727, 1.0e-9
    assert {:ok, []} = Drey.jobs(on: @node)
  end

  test "a Task that dies cancels its job" do
    options = [on: @node, chains: 64, draws: 2000, thin: 10_000, warmup: 100, outputs: [:mu]]
    {:ok, pid} = Task.start(fn -> Drey.sample(@schools, options) end)
    assert eventually(fn -> match?({:ok, [_ | _]}, Drey.jobs(on: @node)) end)
    Process.exit(pid, :kill)
    assert eventually(fn -> Drey.jobs(on: @node) == {:ok, []} end)
  end

  test "a drey_node as a child of a supervisor is replaced when it is killed" do
    name = :"child@127.0.0.1"
    spec = :drey.node_child_spec(%{name: name, dist_ports: {19100, 19200}})
    {:ok, supervisor} = Supervisor.start_link([spec], strategy: :one_for_one)
    assert {:ok, %{node: ^name}} = Drey.info(on: name)
    [{_, old, _, _}] = Supervisor.which_children(supervisor)
    Logger.configure(level: :none)
    {:ok, true} = {:ok, Node.connect(name)}
    Process.exit(old, :kill)

    assert eventually(fn ->
             match?([{_, new, _, _}] when is_pid(new) and new != old, Supervisor.which_children(supervisor))
           end)

    assert eventually(fn -> match?({:ok, %{node: ^name}}, Drey.info(on: name)) end)
    Supervisor.stop(supervisor)
    assert eventually(fn -> match?({:error, %Drey.Error{reason: :noconnection}}, Drey.info(on: name)) end)
  end

  defp eventually(fun, tries \\ 200)
  defp eventually(_, 0), do: false
  defp eventually(fun, tries), do: fun.() || (Process.sleep(50) && eventually(fun, tries - 1))
end

%{total: total, failures: failures} = ExUnit.run()
IO.puts("#{total - failures} passed, #{failures} failed")
System.halt(min(failures, 1))
