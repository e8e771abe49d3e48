// A pendulum with friction, let go at an angle. Usage: simulate PARAMETERS RESULTS
//
// Both files are XML archives of Boost.Serialization: the first is written by coma_xr, the second read by it.
#include <cmath>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <vector>
#include <boost/archive/xml_iarchive.hpp>
#include <boost/archive/xml_oarchive.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/vector.hpp>

struct Results {
    double period = 0;  // of the first swing [s]
    std::vector<double> times, angles;  // [s], [degree]

    template <class Archive> void serialize(Archive& archive, const unsigned) {
        archive & BOOST_SERIALIZATION_NVP(period);
        archive & BOOST_SERIALIZATION_NVP(times);
        archive & BOOST_SERIALIZATION_NVP(angles);
    }
};

Results simulate(double theta_0, double friction, int steps) {
    if (friction < 0) throw std::invalid_argument("friction must not be negative");
    const double g = 9.80665, degree = std::acos(-1.0) / 180, dt = 1e-4;
    Results results;
    double angle = theta_0 * degree, speed = 0, time = 0;
    for (int step = 0; step <= steps; ++step) {
        results.times.push_back(time);
        results.angles.push_back(angle / degree);
        for (int i = 0; i < 1000; ++i) {
            const double before = angle;
            speed += (-g * std::sin(angle) - friction * speed) * dt;
            angle += speed * dt;
            time += dt;
            // The first zero of the angle is a quarter of a swing away.
            if (results.period == 0 && before * angle <= 0) results.period = 4 * time;
        }
    }
    return results;
}

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: simulate PARAMETERS RESULTS\n";
        return 2;
    }
    try {
        // In the order in which the parameters were defined.
        double theta_0, friction;
        int steps;
        {
            std::ifstream file(argv[1]);
            boost::archive::xml_iarchive archive(file);
            archive >> BOOST_SERIALIZATION_NVP(theta_0) >> BOOST_SERIALIZATION_NVP(friction) >> BOOST_SERIALIZATION_NVP(steps);
        }
        const Results results = simulate(theta_0, friction, steps);
        std::ofstream file(argv[2]);
        boost::archive::xml_oarchive archive(file);
        archive << BOOST_SERIALIZATION_NVP(results);
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}
