defmodule DreyTest do
  use ExUnit.Case

  @nobody :"nobody@127.0.0.1"
  @normal %{parameters: [{:x, :real}], model: [{:"~", :x, {:normal, 0, 1}}]}

  test "a node that is not there is an error, not an exit" do
    assert {:error, %Drey.Error{reason: :noconnection}} = Drey.info(on: @nobody)
    assert {:error, %Drey.Error{reason: :noconnection}} = Drey.check(@normal, on: @nobody)
    assert {:error, %Drey.Error{reason: :noconnection}} = Drey.log_density(@normal, [[0.0]], on: @nobody)
    assert {:error, %Drey.Error{reason: :noconnection}} = Drey.warmup(@normal, on: @nobody)
    assert {:error, %Drey.Error{reason: :noconnection}} = Drey.sample(@normal, on: @nobody)
    assert {:error, %Drey.Error{reason: :noconnection}} = Drey.sample(@normal, nodes: [@nobody], chains: 2)
    assert {:error, %Drey.Error{reason: :noconnection}} = Drey.jobs(on: @nobody)
    assert {:error, %Drey.Error{reason: :noconnection}} = Drey.cancel(1, on: @nobody)
    assert {:error, %Drey.Error{reason: :noconnection}} = Drey.await(Drey.sample_async(@normal, on: @nobody))
  end

  test "bang functions raise" do
    assert_raise Drey.Error, ~r/noconnection.*nobody@/, fn -> Drey.sample!(@normal, on: @nobody) end
    assert_raise Drey.Error, fn -> Drey.check!(:no_model) end
  end

  test "options and nodes that are none are errors" do
    assert {:error, %Drey.Error{reason: :bad_option, message: message}} = Drey.sample(@normal, 7)
    assert message =~ "found 7"
    assert {:error, %Drey.Error{reason: :bad_option}} = Drey.check(@normal, [:chains, 4])
    assert {:error, %Drey.Error{reason: :bad_option, message: message}} = Drey.sample(@normal, on: "gpu")
    assert message =~ "atom"
  end

  test "errors say where" do
    error = Drey.Error.new(%{reason: :wrong_shape, message: "no", where: "model[1]", found: 3})
    assert Exception.message(error) == "wrong_shape: model[1]: no"
    assert error.details == %{found: 3}
  end

  @tag :nif
  test "info names devices" do
    assert {:ok, %{devices: [%{name: name} | _]}} = Drey.info()
    assert is_binary(name)
  end

  @tag :nif
  test "check names parameters" do
    assert {:ok, %{dimension: 1}} = Drey.check(@normal)

    assert {:error, %Drey.Error{message: message}} =
             Drey.check(%{@normal | model: [{:"~", :z, {:normal, 0, 1}}]})

    assert message =~ "z"
  end

  @tag :nif
  test "log density of a standard normal" do
    assert {:ok, %{value: value, gradient: gradient}} = Drey.log_density(@normal, [[0.0], [1.0]])
    [at_0, at_1] = :drey_draws.to_list(value)
    assert_in_delta at_0, -0.9189385332, 1.0e-9
    assert_in_delta at_1, -1.4189385332, 1.0e-9
    [_, slope] = :drey_draws.to_floats(gradient)
    assert_in_delta slope, -1.0, 1.0e-9
  end

  @tag :nif
  test "sample, and inspect as a table" do
    assert {:ok, %Drey.Result{} = result} = Drey.sample(@normal, chains: 2, draws: 50, warmup: 100, seed: 3)
    assert [[x | _] = first, _] = Drey.Result.draws(result, :x)
    assert length(first) == 50 and is_float(x)
    assert %{name: "x"} = Drey.Result.row(result, :x)
    assert inspect(result) =~ "2 chains of 50 draws"
    assert inspect(result) =~ ~r/ess_bulk/
  end

  @tag :nif
  test "await has what sample has" do
    options = [chains: 2, draws: 20, warmup: 50, seed: 3]
    {:ok, waited} = Drey.sample(@normal, options)
    {:ok, awaited} = @normal |> Drey.sample_async(options) |> Drey.await()
    assert waited.draws == awaited.draws
  end
end
